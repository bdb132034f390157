"""One flow each as Camunda Modeler and as Signavio write it."""

CAMUNDA = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"
    xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
    xmlns:modeler="http://camunda.org/schema/modeler/1.0" id="Definitions_1"
    targetNamespace="http://bpmn.io/schema/bpmn" exporter="Camunda Modeler" exporterVersion="5.20.0"
    modeler:executionPlatform="Camunda Platform">
  <bpmn:collaboration id="Collaboration_1">
    <bpmn:participant id="Participant_1" name="村党支部" processRef="Process_1"/>
    <bpmn:participant id="Participant_2" name="群众"/>
  </bpmn:collaboration>
  <bpmn:process id="Process_1" isExecutable="true">
    <bpmn:documentation>三会一课</bpmn:documentation>
    <bpmn:laneSet id="LaneSet_1">
      <bpmn:lane id="Lane_1"><bpmn:flowNodeRef>A1</bpmn:flowNodeRef></bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="S1" name="收到"><bpmn:outgoing>F1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:exclusiveGateway id="G1" name="合格?" default="F4"><bpmn:incoming>F2</bpmn:incoming></bpmn:exclusiveGateway>
    <bpmn:userTask id="A1" name="审查" camunda:assignee="secretary">
      <bpmn:documentation>看材料</bpmn:documentation>
      <bpmn:extensionElements><camunda:formData><camunda:formField id="x"/></camunda:formData></bpmn:extensionElements>
      <bpmn:incoming>F1</bpmn:incoming><bpmn:outgoing>F2</bpmn:outgoing>
      <bpmn:dataInputAssociation id="D2"><bpmn:sourceRef>D1</bpmn:sourceRef></bpmn:dataInputAssociation>
    </bpmn:userTask>
    <bpmn:serviceTask id="A2" name="归档"/>
    <bpmn:endEvent id="E1"/>
    <bpmn:sequenceFlow id="F1" sourceRef="S1" targetRef="A1">
      <bpmn:documentation>当日</bpmn:documentation>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="F2" sourceRef="A1" targetRef="G1"/>
    <bpmn:sequenceFlow id="F3" name="退回" sourceRef="G1" targetRef="A1">
      <bpmn:conditionExpression xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
          xsi:type="bpmn:tFormalExpression">${!ok}</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="F4" sourceRef="G1" targetRef="A2"/>
    <bpmn:sequenceFlow id="F5" sourceRef="A2" targetRef="E1"/>
    <bpmn:dataObjectReference id="D1" dataObjectRef="D0"/>
    <bpmn:dataObject id="D0"/>
    <bpmn:textAnnotation id="T1"><bpmn:text>一般七日</bpmn:text></bpmn:textAnnotation>
    <bpmn:association id="As1" sourceRef="A1" targetRef="T1"/>
    <bpmn:group id="Gr1"/>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="BPMNDiagram_1">
    <bpmndi:BPMNPlane id="BPMNPlane_1" bpmnElement="Collaboration_1">
      <bpmndi:BPMNShape id="P_di" bpmnElement="Participant_1" isHorizontal="true">
        <dc:Bounds x="100" y="80" width="900" height="250"/></bpmndi:BPMNShape>
      <bpmndi:BPMNShape id="A1_di" bpmnElement="A1">
        <dc:Bounds x="230" y="150" width="100.5" height="80"/></bpmndi:BPMNShape>
      <bpmndi:BPMNShape id="G1_di" bpmnElement="G1" isMarkerVisible="true">
        <dc:Bounds x="395" y="165" width="50" height="50"/>
        <bpmndi:BPMNLabel><dc:Bounds x="405" y="222" width="31" height="14"/></bpmndi:BPMNLabel></bpmndi:BPMNShape>
      <bpmndi:BPMNEdge id="F2_di" bpmnElement="F2">
        <di:waypoint x="330" y="190"/><di:waypoint x="395" y="190"/></bpmndi:BPMNEdge>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
"""

SIGNAVIO = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:omgdc="http://www.omg.org/spec/DD/20100524/DC"
    xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:signavio="http://www.signavio.com"
    exporter="Signavio Process Editor, http://www.signavio.com" id="sid-1" targetNamespace="http://www.signavio.com">
  <process id="sid-2" isClosed="false" isExecutable="false" processType="None">
    <extensionElements><signavio:signavioDiagramMetaData metaKey="author" metaValue=""/></extensionElements>
    <startEvent id="sid-s" name=""><outgoing>sid-f1</outgoing></startEvent>
    <task completionQuantity="1" id="sid-a" isForCompensation="false" name="收到&#10;  申请" startQuantity="1">
      <extensionElements><signavio:signavioMetaData metaKey="bgcolor" metaValue="#ffffcc"/></extensionElements>
      <incoming>sid-f1</incoming><outgoing>sid-f2</outgoing>
    </task>
    <parallelGateway gatewayDirection="Diverging" id="sid-g" name=""/>
    <manualTask completionQuantity="1" id="sid-b" name="核实" startQuantity="1"/>
    <sendTask id="sid-c" implementation="webService" name="通知"/>
    <parallelGateway gatewayDirection="Converging" id="sid-h"/>
    <endEvent id="sid-e"/>
    <sequenceFlow id="sid-f1" isImmediate="true" sourceRef="sid-s" targetRef="sid-a"/>
    <sequenceFlow id="sid-f2" sourceRef="sid-a" targetRef="sid-g"/>
    <sequenceFlow id="sid-f3" sourceRef="sid-g" targetRef="sid-b"/>
    <sequenceFlow id="sid-f4" sourceRef="sid-g" targetRef="sid-c"/>
    <sequenceFlow id="sid-f5" sourceRef="sid-b" targetRef="sid-h"/>
    <sequenceFlow id="sid-f6" sourceRef="sid-c" targetRef="sid-h"/>
    <sequenceFlow id="sid-f7" sourceRef="sid-h" targetRef="sid-e"/>
  </process>
  <bpmndi:BPMNDiagram id="sid-d"><bpmndi:BPMNPlane bpmnElement="sid-2" id="sid-p">
    <bpmndi:BPMNShape bpmnElement="sid-a" id="sid-a_gui"><omgdc:Bounds height="80.0" width="100.0" x="1.2E2" y="-75.5"/>
    </bpmndi:BPMNShape></bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</definitions>
"""
